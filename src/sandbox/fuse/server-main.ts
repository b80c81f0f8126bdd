import { openLayer } from "../../overlay/layer.ts";
import { fsBackend } from "./fs-backend.ts";
import { ownerBackend } from "./owner-backend.ts";
import { serveFuse } from "./serve.ts";
import { type ServerOrder, serverDevice, serverOrderVariable } from "./served-names.ts";
import { squashOwners } from "./squash-owners.ts";
import { UpperView } from "./upper-view.ts";

/**
 * The process that serves a FUSE mount: an overlay of its own over the real tree, which it sees in
 * a mount namespace in which the mount does not cover it. What is pending elsewhere comes in as
 * writes through the mount, and what commands changed is read from its upper.
 */
const order = JSON.parse(process.env[serverOrderVariable] ?? "{}") as ServerOrder;
const layer = openLayer({ root: order.root });
const tree = fsBackend(layer.fs, order.root);
const served = order.squash ? squashOwners(tree) : tree;
serveFuse(serverDevice, ownerBackend(served, new UpperView(layer, served), order.secret));
