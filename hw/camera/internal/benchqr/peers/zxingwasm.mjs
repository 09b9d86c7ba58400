// Reads frames from a file as benchqr writes them and prints one line a frame:
// the least time of three readings in microseconds, then the text in hex or "-".
// usage: node zxingwasm.mjs FRAMES MODULE_FOLDER
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [frames, folder] = process.argv.slice(2);
const { prepareZXingModule, readBarcodes } = await import(
  pathToFileURL(join(folder, "dist/es/reader/index.js")).href
);
const wasmBinary = readFileSync(join(folder, "dist/reader/zxing_reader.wasm"));
await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });

const all = readFileSync(frames);
for (let at = 0; at < all.length; ) {
  const width = all.readUInt32LE(at);
  const height = all.readUInt32LE(at + 4);
  at += 8;
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    data.fill(all[at + i], i * 4, i * 4 + 3);
    data[i * 4 + 3] = 255;
  }
  at += width * height;
  let least = Infinity;
  let text = "";
  for (let i = 0; i < 3; i++) {
    const begin = process.hrtime.bigint();
    const results = await readBarcodes(
      { data, width, height, colorSpace: "srgb" },
      { formats: ["QRCode"], maxNumberOfSymbols: 1 },
    );
    least = Math.min(least, Number(process.hrtime.bigint() - begin) / 1000);
    text = results.find((r) => r.isValid)?.text ?? "";
  }
  console.log(least.toFixed(1), Buffer.from(text).toString("hex") || "-");
}
