/** Values that cross between a test and a page as JSON: maps and typed arrays, beside what JSON has. */

const ARRAYS = { Float32Array, Int32Array, Uint8Array } as const;

/** A value as JSON. */
export function packed(value: unknown): string {
  return JSON.stringify(value, (_key, item) => {
    if (item instanceof Map) return { $map: [...item] };
    for (const [name, kind] of Object.entries(ARRAYS)) {
      if (item instanceof kind) return { $array: name, values: [...item] };
    }
    return typeof item === "function" ? undefined : item;
  });
}

/** The value of what {@link packed} wrote. */
export function unpacked(text: string): unknown {
  return JSON.parse(text, (_key, item) => {
    if (item?.$map !== undefined) return new Map(item.$map);
    if (item?.$array !== undefined) return ARRAYS[item.$array as keyof typeof ARRAYS].from(item.values);
    return item;
  });
}
