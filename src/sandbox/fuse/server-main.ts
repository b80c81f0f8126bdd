import { NodeDisk } from "../../disk/node-disk.ts";
import { stateDirectoryOf } from "../../disk/state-directory.ts";
import { Draft } from "../../drafts/draft.ts";
import { openLayer } from "../../overlay/layer.ts";
import { fsBackend } from "./fs-backend.ts";
import { serveFuse } from "./serve.ts";
import {
  exchangeDraftName,
  exchangeStateOf,
  type ServerOrder,
  serverDevice,
  serverOrderVariable,
} from "./server-order.ts";
import { squashOwners } from "./squash-owners.ts";

/**
 * The process that serves a FUSE mount: an overlay of its own over the real tree, which it sees in
 * a mount namespace in which the mount does not cover it. It starts from what the owner has saved
 * in the exchange draft, and saves there what is pending when it is told to.
 */
const order = JSON.parse(process.env[serverOrderVariable] ?? "{}") as ServerOrder;
const layer = openLayer({ root: order.root });
const state = exchangeStateOf(stateDirectoryOf(order.root), order.exchange);
const draft = await Draft.open(new NodeDisk(), state, exchangeDraftName);
draft.restoreInto(layer);

const served = fsBackend(layer.fs, order.root);
await serveFuse(serverDevice, order.squash ? squashOwners(served) : served, {
  name: order.control,
  obey: () => draft.save(layer),
});
