// Hono with postgres.js.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import postgres from "postgres";
import { page, poolSize, port, upsert, url } from "./common.js";

const sql = postgres(url, { max: poolSize });
const app = new Hono();
app.get("/", async (context) => {
  const [row] = await sql.unsafe(upsert, [], { prepare: true });
  return context.html(page(row.value));
});
serve({ fetch: app.fetch, port, hostname: "127.0.0.1" });
