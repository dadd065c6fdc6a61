import { assert, assertEquals, assertMatch } from "@std/assert";
import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { REPOSITORY } from "../../tasks/study/reproduction_setting.ts";
import { doctorCommand } from "../../tasks/doctor.ts";
import { recordCommand } from "../../tasks/record.ts";
import { reproduceCommand } from "../../tasks/reproduce.ts";
import { zoo } from "../../tasks/zoo.ts";
import { type Ended, inFolder, namesBelow, runOn, writeBoxModel } from "./_tiny_zoo.ts";

const DOC = await Deno.readTextFile("docs/profiles.md");

/** The block of code behind a mark of the document. */
function block(mark: string): string {
  const found = new RegExp(`<!-- ${mark} -->\\s*\`\`\`\\w+\\n([^]*?)\`\`\``).exec(DOC)?.[1];
  assert(found !== undefined, `docs/profiles.md has no ${mark}`);
  return found;
}

Deno.test("who follows docs/profiles.md on a tiny model gets figure 1 of it, recorded and checked", () =>
  inFolder(async (folder) => {
    const model = await openCheckpoint(await writeBoxModel(`${folder}/my-model`));
    await Deno.writeTextFile(`${folder}/mine.jsonl`, block("problems"));
    await Deno.writeTextFile(`${folder}/mine.json`, block("profile"));
    assertEquals(JSON.parse(block("profile")).models[0].source.layers, model.config.layers);
    const setting = { ...REPOSITORY, store: `${folder}/store` };
    const doctor = doctorCommand(setting), reproduce = reproduceCommand(setting);
    const record = recordCommand(setting);
    const commands: Readonly<Record<string, (args: readonly string[]) => Promise<Ended>>> = {
      doctor: (args) => runOn(doctor, args),
      zoo: (args) => runOn(zoo, args),
      reproduce: (args) => runOn(reproduce, args),
      record: (args) => runOn(record, args),
    };
    const out: string[] = [];
    for (const line of block("commands").trim().split("\n")) {
      const [, name = "", rest = ""] = /^deno task (\w+) (.+)$/.exec(line) ?? [];
      const args = rest.replace("./mine.json", `${folder}/mine.json`).split(" ");
      const where = name === "reproduce" ? ["--out", `${folder}/out`] : [];
      const threads = name === "doctor" ? [] : ["--threads", "1"];
      const command = commands[name];
      assert(command !== undefined, `no command for: ${line}`);
      const { code, output, error } = await command([...args, ...where, ...threads]);
      assertEquals(code, 0, `${line}: ${error}${output}`);
      out.push(output);
    }
    const [found = "", made = "", first = "", , checked = ""] = out;
    assertMatch(found, /^ok +profile mine +my-model$/m);
    assertMatch(made, /nothing is missing\n$/);
    assertMatch(first, /^fig9: not applicable, the profile mine has no model of the role b$/m);
    assertMatch(first, /nothing is checked/);
    assertMatch(checked, /^accuracy\.all_layers .* pass$/m);
    assert(!/ fail$/m.test(checked), checked);
    assertEquals(namesBelow(`${folder}/out/`).includes("mine/fig1/figure.png"), true);
    assertEquals(namesBelow(`${folder}/expected/`), ["quick/", "quick/fig1.json"]);
    const { profile, inputs } = JSON.parse(await Deno.readTextFile(`${folder}/out/mine/fig1/metrics.json`));
    assertEquals([profile, inputs["model.my-model"]], ["mine", await model.hash()]);
  }));
