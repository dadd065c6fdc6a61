import { assert } from "@std/assert";
import { memoryFolder } from "../../lib/checkpoint/mod.ts";
import type { RandomStream } from "../../lib/core/mod.ts";
import { readSparseAutoencoder, type SparseAutoencoder } from "../../lib/vectors/mod.ts";
import { assertRefused, assertSurvived, cutOrLonger, edited, replaced, ROUNDS } from "./_damage.ts";
import { damagedParts, fileOf, part } from "./_damaged_tensors.ts";

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

/** An autoencoder's weights, and its settings where they have a file. */
type Files = readonly [Uint8Array<ArrayBuffer>, string];

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
  Deno.test(`${ROUNDS} damaged autoencoders (${name}) are refused in one line each`, async () => {
    const own = settings === "";
    const notes = own ? { format: "topk-sparse-autoencoder-1", active: "2" } : {};
    const read = async ([weights, cfg]: Files) => {
      const files = new Map([[file as string, weights], ["cfg.json", new TextEncoder().encode(cfg)]]);
      const folder = memoryFolder("damaged", files);
      return (await readSparseAutoencoder(own ? `${folder}/${file}` : folder)).autoencoder;
    };
    const sound = fileOf(parts, notes);
    assertAutoencoder(await read([sound, settings]));
    const make = (stream: RandomStream): Files => {
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
    const edit = (stream: RandomStream): Files => [edited(sound, stream), settings];
    await assertSurvived(edit, { read, check: assertAutoencoder, seed: name });
  });
}
