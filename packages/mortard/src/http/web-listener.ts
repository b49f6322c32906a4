/**
 * HTTP for everybody who has a token: the same routes as on the node's socket, over TLS, with roles,
 * a bound on how often somebody asks, and the page.
 */
import { readFileSync } from "node:fs";
import { createServer as createSecure, type Server as SecureServer } from "node:https";
import { isIP } from "node:net";
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import { ConfigError, type WebSettings } from "../config.ts";
import { isLoopback } from "../effects/host-name.ts";
import type { NodeTls } from "../peers/node-tls.ts";
import { Guard } from "./guard.ts";
import { registerPage } from "./page.ts";
import { httpServer, type HttpServerOptions } from "./server.ts";

/** Of one address. The page asks about once a second, and for all that is looked at. */
const REQUESTS_A_MINUTE_MAX = 1_200;

export interface WebListenerOptions extends Omit<HttpServerOptions, "guard" | "serverFactory"> {
  readonly settings: WebSettings;
  /** The node's own certificate, where the settings name none. */
  readonly tls: Pick<NodeTls, "material" | "onChange">;
}

export class WebListener {
  readonly #server: FastifyInstance;

  private constructor(server: FastifyInstance) {
    this.#server = server;
  }

  /** Throws ConfigError when it would send tokens in the clear. */
  static async open(options: WebListenerOptions): Promise<WebListener> {
    const { settings, access } = options;
    const isPlain = settings.plain === true;
    if (isPlain && !(isIP(settings.address) !== 0 && isLoopback(settings.address))) {
      throw new ConfigError(
        `web: plain is for loopback addresses, and ${settings.address} is none: tokens would be ` +
          "sent in the clear",
      );
    }
    let secure: SecureServer | undefined;
    const server = await httpServer({
      ...options,
      guard: new Guard(access.tokens, !isPlain),
      before: async (instance) => {
        await instance.register(rateLimit, { max: REQUESTS_A_MINUTE_MAX, timeWindow: 60_000 });
        registerPage(instance);
      },
      ...(isPlain
        ? {}
        : {
            serverFactory: (handler) => {
              secure = createSecure({ ...certificateOf(options), minVersion: "TLSv1.2" }, handler);
              return secure;
            },
          }),
    });
    await server.listen({ host: settings.address, port: settings.port });
    const url = `${isPlain ? "http" : "https"}://${settings.address}:${settings.port}/`;
    options.log.info({ url }, "serving the web");
    // Whoever connects from now on is shown the certificate of now.
    options.tls.onChange(() => secure?.setSecureContext(certificateOf(options)));
    return new WebListener(server);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }
}

function certificateOf({ settings, tls }: WebListenerOptions): { key: string; cert: string } {
  const { certificate, key } = settings;
  if (certificate === undefined && key === undefined) {
    return { key: tls.material.key, cert: tls.material.certificate };
  }
  if (certificate === undefined || key === undefined) {
    throw new ConfigError("web: certificate and key are given together");
  }
  return { key: readFileSync(key, "utf8"), cert: readFileSync(certificate, "utf8") };
}
