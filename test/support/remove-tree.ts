import fs from "node:fs";

/** Removes a tree also where a test took away the permission to do so, and whatever the names are. */
export function removeTree(directory: string): void {
  try {
    fs.rmSync(directory, { recursive: true, force: true });
  } catch {
    openUp(Buffer.from(directory));
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function openUp(directory: Buffer): void {
  fs.chmodSync(directory, 0o700);
  for (const name of fs.readdirSync(directory, { encoding: "buffer" })) {
    const place = Buffer.concat([directory, Buffer.from("/"), name]);
    if (fs.lstatSync(place).isDirectory()) openUp(place);
  }
}
