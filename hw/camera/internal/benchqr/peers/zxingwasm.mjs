// Reads frames from standard input as benchqr writes them (width and height as
// little-endian 32-bit numbers, then the grey pixels) and answers each with a
// line: the least time of three readings in nanoseconds, then the text in hex or
// "-".
// usage: node zxingwasm.mjs MODULE_FOLDER
import { readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { prepareZXingModule, readBarcodes } = await import(
  pathToFileURL(join(folder, "dist/es/reader/index.js")).href
);
const wasmBinary = readFileSync(join(folder, "dist/reader/zxing_reader.wasm"));
await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });

function read(n) {
  const b = Buffer.alloc(n);
  for (let at = 0; at < n; ) {
    const got = readSync(0, b, at, n - at, null);
    if (got === 0) process.exit(0);
    at += got;
  }
  return b;
}

for (;;) {
  const head = read(8);
  const width = head.readUInt32LE(0);
  const height = head.readUInt32LE(4);
  const grey = read(width * height);
  // What a browser's canvas gives, and all that the module takes.
  const data = new Uint8ClampedArray(grey.length * 4);
  for (let i = 0; i < grey.length; i++) {
    data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = grey[i];
    data[4 * i + 3] = 255;
  }
  let least = Infinity;
  let text = "";
  for (let i = 0; i < 3; i++) {
    const begin = process.hrtime.bigint();
    const results = await readBarcodes(
      { data, width, height, colorSpace: "srgb" },
      { formats: ["QRCode"], maxNumberOfSymbols: 1 },
    );
    least = Math.min(least, Number(process.hrtime.bigint() - begin));
    text = results.find((r) => r.isValid)?.text ?? "";
  }
  writeSync(1, `${least} ${Buffer.from(text).toString("hex") || "-"}\n`);
}
