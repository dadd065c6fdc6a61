import { parseSampleLine, type SampleLine } from "../../lib/problems/mod.ts";
import { InputError, withoutMark } from "../../lib/core/mod.ts";

/** Longest line that is read: far beyond what any model says. */
const LONGEST_LINE_BYTES = 2 ** 26;

const REPAIR = "pass a file that deno task evaluate --samples wrote";

/** Bytes read at once. */
const CHUNK_BYTES = 2 ** 16;

/** Where a sample stands in its file. */
export interface SamplePlace {
  readonly path: string;
  /** Byte at which its line begins. */
  readonly offset: number;
  /** Number of the line, from 1. */
  readonly line: number;
}

/** A sample and where it stands. */
export interface PlacedSample {
  readonly sample: SampleLine;
  readonly place: SamplePlace;
}

function parsed(bytes: Uint8Array, place: SamplePlace): SampleLine | null {
  const { path: where, line } = place;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(`line ${line} is not valid UTF-8`, { where, repair: REPAIR, cause });
  }
  if (line === 1) text = withoutMark(text);
  return text.trim() === "" ? null : parseSampleLine(text, { where, line });
}

/** Lines of a file from a place on, as bytes, one at a time. */
async function* linesFrom(
  start: SamplePlace,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly place: SamplePlace }> {
  const { path } = start;
  using file = await Deno.open(path);
  await file.seek(start.offset, Deno.SeekMode.Start);
  let { offset, line } = start, held: Uint8Array[] = [], heldBytes = 0;
  const taken = (last: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(heldBytes + last.length);
    let at = 0;
    for (const part of [...held, last]) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  };
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let length = await file.read(chunk); length !== null; length = await file.read(chunk)) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0 && end < length; end = chunk.indexOf(10, from)) {
      const bytes = taken(chunk.subarray(from, end));
      yield { bytes, place: { path, offset, line } };
      offset += bytes.length + 1;
      line++;
      from = end + 1;
      [held, heldBytes] = [[], 0];
    }
    held.push(chunk.slice(from, length));
    heldBytes += length - from;
    if (heldBytes > LONGEST_LINE_BYTES) {
      throw new InputError(`line ${line} is longer than ${LONGEST_LINE_BYTES} bytes`, {
        where: path,
        repair: REPAIR,
      });
    }
  }
  if (heldBytes > 0) yield { bytes: taken(new Uint8Array()), place: { path, offset, line } };
}

/** The samples of files, one after the other; no more than one of them is held in memory. */
export async function* readSamples(paths: readonly string[]): AsyncGenerator<PlacedSample> {
  for (const path of paths) {
    for await (const { bytes, place } of linesFrom({ path, offset: 0, line: 1 })) {
      const sample = parsed(bytes, place);
      if (sample !== null) yield { sample, place };
    }
  }
}

/** The sample at a place where one was read before. */
export async function sampleAt(place: SamplePlace): Promise<SampleLine> {
  for await (const { bytes } of linesFrom(place)) {
    const sample = parsed(bytes, place);
    if (sample !== null) return sample;
  }
  throw new InputError(`line ${place.line} is gone`, { where: place.path, repair: "open the file again" });
}
