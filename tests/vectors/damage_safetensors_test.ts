import { assert } from "@std/assert";
import type { RandomStream } from "../../lib/core/mod.ts";
import {
  loadTrained,
  loadVectors,
  readSparseAutoencoder,
  type SparseAutoencoder,
} from "../../lib/vectors/mod.ts";
import { tinyConfig } from "../../lib/checkpoint/mod.ts";
import { rawSafetensors, withFolder } from "../checkpoint/_folder.ts";
import {
  assertRefused,
  assertSurvived,
  assertVectors,
  cutOrLonger,
  edited,
  replaced,
  ROUNDS,
} from "./_damage.ts";

/** A tensor of a file to be damaged, float32. */
interface Part {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: readonly number[];
  readonly dtype?: string;
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, at) => (from + at) / 8 - 1);
const part = (name: string, dims: readonly number[], from = 0): Part => {
  return { name, dims, data: numbers(dims.reduce((product, dim) => product * dim, 1), from) };
};

/** A safetensors file whose header says what the parts say, right or wrong. */
function fileOf(
  parts: readonly Part[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = parts.map(({ name, dims, data, dtype = "F32" }) => {
    const begin = end;
    end += 4 * data.length;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape: dims, data_offsets: [begin, end] })}`;
  });
  const header = [`"__metadata__":${JSON.stringify(metadata)}`, ...entries].join(",");
  const data = new Uint8Array(Float32Array.from(parts.flatMap(({ data }) => data)).buffer);
  return rawSafetensors(`{${header}}`, { data });
}

/** Changes of one tensor, after each of which no reader of these tensors may take the file. */
function damagedParts(
  parts: readonly Part[],
  stream: RandomStream,
  names: readonly string[],
): readonly Part[] {
  const at = stream.integer({ below: parts.length }), one = parts[at] as Part;
  const put = (change: Partial<Part>) =>
    parts.map((other, index) => index === at ? { ...one, ...change } : other);
  const [first = 1, ...rest] = one.dims, spot = stream.integer({ below: one.data.length });
  return stream.pick<() => readonly Part[]>([
    () => put({ name: stream.pick(names) }),
    () => put({ name: (parts[(at + 1) % parts.length] as Part).name }),
    () => put({ dtype: stream.pick(["I32", "F64", "C64", "U8", "BF16", ""]) }),
    () => put({ dims: [first + stream.pick([-1, 1, 1000]), ...rest] }),
    () => put({ dims: stream.pick([[first, ...rest, 1], [1, first, ...rest], [-1], [0], [0.5], [2 ** 53]]) }),
    () => put(part(one.name, [first + 1, ...rest])),
    () =>
      put({
        data: one.data.map((value, index) =>
          index === spot ? stream.pick([NaN, Infinity, -Infinity]) : value
        ),
      }),
  ])();
}

/** Runs with a path whose file is written before each read, by calls that wait. */
const onDisk = (body: (path: string) => Promise<void>) =>
  withFolder((folder) => body(`${folder}/x.safetensors`));

const VECTORS = [part("steering.1", [4]), part("steering.6", [4], 9)];
const STRAY = ["steering", "steering.", "steering.01", "steering.-1", "weights.1", ""];

Deno.test(`${ROUNDS} damaged files of vectors are refused in one line each`, () =>
  onDisk(async (path) => {
    const read = async (bytes: Uint8Array) => {
      Deno.writeFileSync(path, bytes);
      return (await loadVectors(path, null)).vectors;
    };
    assertVectors(await read(fileOf(VECTORS)));
    const make = (stream: RandomStream) =>
      stream.uniform() < 0.3
        ? cutOrLonger(fileOf(VECTORS), stream)
        : stream.uniform() < 0.1
        ? fileOf(VECTORS, { place: stream.pick(["", "mpl", "residual"]) })
        : fileOf(damagedParts(VECTORS, stream, STRAY));
    await assertRefused(make, { read, seed: "vectors", kinds: 12 });
    await assertSurvived((stream) => edited(fileOf(VECTORS), stream), {
      read,
      check: assertVectors,
      seed: "vectors",
    });
  }));

const BIASES = [1, 2].map((layer) => part(`model.layers.${layer}.mlp.down_proj.bias`, [4], layer));
const ZERO = { ...part("model.layers.1.mlp.up_proj.bias", [3]), data: [0, 0, 0] };

Deno.test(`${ROUNDS} damaged checkpoints with vectors as biases are refused in one line each`, () =>
  onDisk(async (path) => {
    const config = tinyConfig({ embed: 4, layers: 3 });
    const read = async (bytes: Uint8Array) => {
      Deno.writeFileSync(path, bytes);
      return (await loadVectors(path, config)).vectors;
    };
    assertVectors(await read(fileOf([...BIASES, ZERO])));
    const make = (stream: RandomStream) => {
      if (stream.uniform() < 0.3) return cutOrLonger(fileOf([...BIASES, ZERO]), stream);
      if (stream.uniform() < 0.1) {
        return fileOf([...BIASES, { ...ZERO, data: [0, stream.pick([1, -1e-9, NaN]), 0] }]);
      }
      // Of a checkpoint only biases are read, so that another name is no damage, but one of a layer too many is.
      return fileOf([...damagedParts(BIASES, stream, ["model.layers.3.mlp.down_proj.bias"]), ZERO]);
    };
    await assertRefused(make, { read, seed: "biases", kinds: 10 });
    await assertSurvived((stream) => edited(fileOf(BIASES), stream), {
      read,
      check: assertVectors,
      seed: "biases",
    });
  }));

Deno.test(`${ROUNDS} damaged files of adapters are refused in one line each`, () =>
  onDisk(async (path) => {
    const parts = [part("adapter_in.1", [6]), part("adapter_out.1", [4])];
    const config = tinyConfig({ embed: 4, neurons: 6 });
    const read = async (bytes: Uint8Array) => {
      Deno.writeFileSync(path, bytes);
      return (await loadTrained(path, config)).adapters;
    };
    assert((await read(fileOf(parts))).get(1)?.output.length === 4);
    const names = ["adapter_in", "adapter_in.01", "adapter_out.2", "adapter_in.0", "steering.1", ""];
    const make = (stream: RandomStream) =>
      stream.uniform() < 0.3
        ? cutOrLonger(fileOf(parts), stream)
        : fileOf(damagedParts(parts, stream, names));
    await assertRefused(make, { read, seed: "adapters", kinds: 12 });
  }));

/** An autoencoder of 5 features of width 3 as each of three programs writes it. */
const AUTOENCODERS = {
  own: {
    file: "x.safetensors",
    parts: [
      part("encoder", [5, 3]),
      part("encoder_bias", [5]),
      part("decoder", [5, 3], 4),
      part("decoder_bias", [3]),
    ],
    settings: "",
  },
  saelens: {
    file: "sae_weights.safetensors",
    parts: [part("W_enc", [3, 5]), part("b_enc", [5]), part("W_dec", [5, 3], 4), part("b_dec", [3])],
    settings: JSON.stringify({
      architecture: "topk",
      d_in: 3,
      d_sae: 5,
      k: 2,
      apply_b_dec_to_input: true,
      rescale_acts_by_decoder_norm: false,
      normalize_activations: "none",
      reshape_activations: "none",
      metadata: { hook_name: "blocks.1.hook_resid_post" },
    }),
  },
  sparsify: {
    file: "sae.safetensors",
    parts: [
      part("encoder.weight", [5, 3]),
      part("encoder.bias", [5]),
      part("W_dec", [5, 3], 4),
      part("b_dec", [3]),
    ],
    settings: JSON.stringify({
      activation: "topk",
      d_in: 3,
      k: 2,
      signed: false,
      skip_connection: false,
      transcode: false,
    }),
  },
} as const;

/** A change of settings that no reader may pass over. */
function damagedSettings(settings: string, stream: RandomStream): string {
  const edits: readonly (readonly [RegExp, string])[] = [
    [/"topk"/, stream.pick(['"jumprelu"', '"standard"', '"groupmax"', "1", '""'])],
    [
      /"k":2/,
      stream.pick(['"k":6', '"k":0', '"k":-1', '"k":1.5', '"k":"2"', '"k":null', '"k":1e9', '"kk":2']),
    ],
    [/"d_in":3/, stream.pick(['"d_in":4', '"d_in":"3"', '"d_in":0', '"d_sae":3', '"x":3'])],
    [/"d_sae":5/, stream.pick(['"d_sae":6', '"d_sae":null', '"d_sae":[5]'])],
    [/:"none"/, stream.pick([':"layer_norm"', ':"hook_z"', ":true", ":1"])],
    [/:false/, stream.pick([":0", ':"false"', ":[]", ":{"])],
    [/\}$/, stream.pick(["", "]", "}}", ',"k":2}', ",}"])],
    [/^\{/, stream.pick(["", "[", "{{", "7"])],
  ].filter(([from]) => (from as RegExp).test(settings)) as [RegExp, string][];
  if (stream.uniform() < 0.2) return settings.slice(0, stream.integer({ below: settings.length }));
  return replaced(settings, ...stream.pick(edits));
}

function assertAutoencoder({ embed, features, active, ...arrays }: SparseAutoencoder): void {
  assert(active >= 1 && active <= features && arrays.encoder.length === embed * features);
  for (const values of Object.values(arrays)) assert((values as Float32Array).every(Number.isFinite));
}

for (const [name, { file, parts, settings }] of Object.entries(AUTOENCODERS)) {
  Deno.test(`${ROUNDS} damaged autoencoders (${name}) are refused in one line each`, () =>
    withFolder(async (folder) => {
      const own = settings === "", place = own ? `${folder}/${file}` : folder;
      const notes = own ? { format: "topk-sparse-autoencoder-1", active: "2" } : {};
      const read = async ([weights, cfg]: readonly [Uint8Array, string]) => {
        Deno.writeFileSync(`${folder}/${file}`, weights);
        if (!own) Deno.writeTextFileSync(`${folder}/cfg.json`, cfg);
        return (await readSparseAutoencoder(place)).autoencoder;
      };
      const sound = fileOf(parts, notes);
      assertAutoencoder(await read([sound, settings]));
      const make = (stream: RandomStream): readonly [Uint8Array, string] => {
        const kind = stream.uniform();
        if (kind < 0.4 && !own) return [sound, damagedSettings(settings, stream)];
        if (kind < 0.2) {
          return [fileOf(parts, { ...notes, active: stream.pick(["0", "6", "-1", "1.5", "", "two"]) }), ""];
        }
        if (kind < 0.6) return [cutOrLonger(sound, stream), settings];
        const dropped = stream.integer({ below: 4 });
        if (kind < 0.7) return [fileOf(parts.filter((_, at) => at !== dropped), notes), settings];
        return [fileOf(damagedParts(parts, stream, ["encoder_", "W_skip", "b", ""]), notes), settings];
      };
      await assertRefused(make, { read, seed: name, kinds: 10 });
      const edit = (stream: RandomStream): readonly [Uint8Array, string] => [edited(sound, stream), settings];
      await assertSurvived(edit, { read, check: assertAutoencoder, seed: name });
    }));
}
