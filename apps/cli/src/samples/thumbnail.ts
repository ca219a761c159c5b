import type { Random } from "./random.ts";

const HEADER = 54;

/**
 * An avatar or a preview as a real image that a viewer opens: a mirrored pattern in two colours, 24-bit BMP without
 * compression. PNG would be more usual, but its bytes change with the version of zlib.
 */
export function thumbnail(random: Random, size: 8 | 16): Uint8Array {
  const file = new Uint8Array(HEADER + size * size * 3);
  const view = new DataView(file.buffer);
  view.setUint16(0, 0x424d); // "BM"
  view.setUint32(2, file.length, true);
  view.setUint32(10, HEADER, true);
  view.setUint32(14, 40, true); // size of the second header
  view.setInt32(18, size, true);
  view.setInt32(22, size, true);
  view.setUint16(26, 1, true); // planes
  view.setUint16(28, 24, true); // bits per pixel
  view.setUint32(34, size * size * 3, true);

  const colours = [random.bytes(3), random.bytes(3)];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size / 2; x++) {
      const colour = random.pick(colours);
      file.set(colour, HEADER + (y * size + x) * 3);
      file.set(colour, HEADER + (y * size + size - 1 - x) * 3);
    }
  }
  return file;
}
