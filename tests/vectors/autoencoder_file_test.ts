import { assertEquals, assertRejects } from "@std/assert";
import { writeSafetensors } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { readSparseAutoencoder, writeSparseAutoencoder } from "../../lib/vectors/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { SAE } from "./_tiny_autoencoder.ts";

Deno.test("writeSparseAutoencoder() and readSparseAutoencoder() bring values and metadata back", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    await writeSparseAutoencoder(path, SAE, { metadata: { run: "ab12" } });
    const { autoencoder, metadata } = await readSparseAutoencoder(path);
    assertEquals(autoencoder, SAE);
    assertEquals(metadata.get("run"), "ab12");
    // Equal values, equal bytes, whatever their width.
    await writeSparseAutoencoder(`${folder}/b.safetensors`, {
      ...SAE,
      encoder: Float64Array.from(SAE.encoder),
    }, {
      metadata: { run: "ab12" },
    });
    assertEquals(await Deno.readFile(`${folder}/b.safetensors`), await Deno.readFile(path));
  }));

Deno.test("readSparseAutoencoder() refuses other and broken files by name", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const tensor = (dims: readonly number[], data: Float32Array) => ({
      dtype: "float32" as const,
      dims,
      data,
    });
    const tensors = {
      encoder: tensor([3, 2], SAE.encoder as Float32Array),
      encoder_bias: tensor([3], SAE.encoderBias as Float32Array),
      decoder: tensor([3, 2], SAE.decoder as Float32Array),
      decoder_bias: tensor([2], SAE.decoderBias as Float32Array),
    };
    const metadata = { format: "topk-sparse-autoencoder-1", active: "2" };
    const refused = async (content: Parameters<typeof writeSafetensors>[1], what: string) => {
      await writeSafetensors(path, content);
      await assertRejects(() => readSparseAutoencoder(path), InputError, what);
    };
    await refused({ tensors }, "its format is not");
    await refused({ tensors, metadata: { ...metadata, active: "4" } }, '"4" of its 3 features');
    await refused({ tensors, metadata: { ...metadata, active: "0" } }, '"0" of its 3 features');
    await refused({ tensors: { ...tensors, extra: tensors.decoder }, metadata }, 'it holds "extra"');
    const { decoder_bias: _, ...three } = tensors;
    await refused({ tensors: three, metadata }, '"decoder_bias" must be [2] and is missing');
    const turned = { ...tensors, decoder: tensor([2, 3], SAE.decoder as Float32Array) };
    await refused({ tensors: turned, metadata }, '"decoder" must be [3,2] and is [2,3]');
    const broken = { ...tensors, decoder_bias: tensor([2], Float32Array.of(NaN, 0)) };
    await refused({ tensors: broken, metadata }, "not finite");
  }));
