// Fastify with pg.
import Fastify from "fastify";
import pg from "pg";
import { page, poolSize, port, upsert, url } from "./common.js";

const pool = new pg.Pool({ connectionString: url, max: poolSize });
const app = Fastify();
app.get("/", async (_request, reply) => {
  const { rows } = await pool.query({ name: "count", text: upsert });
  return reply.type("text/html; charset=utf-8").send(page(rows[0].value));
});
await app.listen({ port, host: "127.0.0.1" });
