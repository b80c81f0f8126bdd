import { writeSync } from "node:fs";
import { openLayer } from "../../overlay/layer.ts";
import { deniedMatcher } from "../denied-paths.ts";
import { denyReading } from "./deny-reading.ts";
import { fsBackend } from "./fs-backend.ts";
import { ownerBackend } from "./owner-backend.ts";
import { serveFuse } from "./serve.ts";
import {
  type ServerOrder,
  serverDevice,
  serverOrderVariable,
  servingLine,
} from "./served-names.ts";
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
const owned = order.squash ? squashOwners(tree) : tree;
const shown =
  order.denyRead.length === 0
    ? owned
    : denyReading(owned, deniedMatcher(order.root, order.denyRead));
const upper = new UpperView(layer, owned);
writeSync(process.stdout.fd, `${servingLine}\n`);
serveFuse(serverDevice, ownerBackend(shown, upper, order.secret));
