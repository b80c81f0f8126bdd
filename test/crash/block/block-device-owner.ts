/**
 * A process that owns a mounted block device until it is killed: `block-device-owner.js IMAGE`;
 * prints where it is mounted.
 */
import process from "node:process";
import { BlockDevice } from "../../support/block-device.ts";

const device = await BlockDevice.open(process.argv[2] ?? "");
console.log(device.mount("ext4"));
setInterval(() => undefined, 1000);
