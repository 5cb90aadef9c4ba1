/** Parts of which hostile texts are made: copies of items up to a size, numbered items, frames of objects. */
export const FRAME =
  '"spec_version":"2.1","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z"'
export const UUID = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'

export const object = (type: string, rest: string): string =>
  `{"type":"${type}","id":"${type}--${UUID}",${FRAME},${rest}}`
export const tool = (rest: string): string => object('tool', `"name":"a",${rest}`)
/** A list of copies of an item, up to a size. */
export const fill = (size: number, item: string, join = ','): string =>
  Array(Math.max(1, Math.floor(size / (item.length + join.length))))
    .fill(item)
    .join(join)
export const indicator = (pattern: string): string =>
  object(
    'indicator',
    `"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","pattern":${JSON.stringify(pattern)}`,
  )

/** Items made from their numbers. */
export const numbered = (count: number, item: (i: number) => string): string =>
  Array.from({ length: Math.floor(count) }, (_, i) => item(i)).join()
/** As many of them as fit a size. */
export const several = (size: number, item: (i: number) => string): string => {
  const items: string[] = []
  for (let i = 0, length = 0; ; i++) {
    const text = item(i)
    length += text.length + 1
    if (length > size) return items.join()
    items.push(text)
  }
}
/** Lists of so many items made from their numbers, up to a size. */
export const lists = (size: number, count: number, item: (i: number) => string): string =>
  several(size, (k) => `[${numbered(count, (i) => item(k * count + i))}]`)
export const numberedUuid = (i: number, version: number): string =>
  `${String(10_000_000 + i)}-0000-${version}000-8000-000000000000`
export const sco = (type: string, rest: string): string =>
  `{"type":"${type}","id":"${type}--${UUID}",${rest}}`
export const bundle = (objects: string): string =>
  `{"type":"bundle","id":"bundle--${UUID}","objects":[${objects}]}`
