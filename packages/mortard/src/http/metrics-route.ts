/** `GET /metrics`, in the format that is asked for: OpenMetrics, or Prometheus' older one. */
import type { FastifyInstance, FastifyRequest, FastifySchema } from "fastify";
import type { NodeMetrics } from "../metrics/node-metrics.ts";

export interface MetricsRouteOptions {
  readonly metrics: () => Pick<NodeMetrics, "text">;
  /** Throws for whoever may not. */
  readonly admit: (request: FastifyRequest) => void;
}

const text = { schema: { type: "string" } } as const;
const schema: FastifySchema = {
  operationId: "metrics", tags: ["node"], summary: "Figures of this node, for Prometheus",
  response: {
    200: {
      description: "As it is asked for in Accept",
      content: { "application/openmetrics-text": text, "text/plain": text },
    },
  },
};

export function registerMetrics(server: FastifyInstance, { metrics, admit }: MetricsRouteOptions): void {
  server.get("/metrics", { schema }, async (request, reply) => {
    admit(request);
    const isOpen = request.headers.accept?.includes("application/openmetrics-text") === true;
    const told = await metrics().text(isOpen ? "openMetrics" : "prometheus");
    return await reply.type(told.contentType).serializer((it) => it as string).send(told.text);
  });
}
