// What a node tells of its routes is an OpenAPI document: by the schema of OpenAPI 3.1 itself.
import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { MortarClient, routes } from "@mortar/api";
import { Validator } from "@seriousme/openapi-schema-validator";
import { LiveNode } from "./live-node.ts";

const node = new LiveNode();
after(async () => await node.close());

interface Operation {
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

async function get(path: string): Promise<{ type: string; text: string }> {
  const socketPath = join(node.root, "run/mortar/mortard.sock");
  return await new Promise((resolve, reject) => {
    request({ socketPath, path }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("end", () => resolve({
        type: incoming.headers["content-type"] ?? "", text: Buffer.concat(parts).toString(),
      }));
    }).on("error", reject).end();
  });
}

test("the document is valid; problems and who may ask are in it; what is not a route is a problem", async () => {
  await node.ok("mortar up");
  const { text } = await get("/v1/openapi.json");
  const document = JSON.parse(text) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: { readonly securitySchemes: object };
  };
  const checked = await new Validator().validate(structuredClone(document));
  assert.equal(checked.valid, true, JSON.stringify(checked.errors));
  assert.deepEqual(Object.keys(document.components.securitySchemes), ["bearer", "session"]);
  for (const route of Object.values(routes)) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    const operation = document.paths[path]?.[route.method.toLowerCase()];
    const content = operation?.responses["default"]?.content ?? {};
    assert.deepEqual(Object.keys(content), ["application/problem+json"], route.path);
  }
  assert.deepEqual(document.paths["/v1/session"]?.["post"]?.security, []);
  assert.match((await get("/v1/nothing")).type, /^application\/problem\+json/);
  const events = await new MortarClient({ socketPath: join(node.root, "run/mortar/mortard.sock") })
    .eventList();
  assert.deepEqual(events.ok && events.result.map(({ kind }) => kind), ["node-started"]);
});
