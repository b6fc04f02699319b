// What both share: the statement and the page.
export const url = process.env.DATABASE_URL;
export const poolSize = Number(process.env.POOL_SIZE ?? 10);
export const port = Number(process.env.PORT);
export const upsert =
  "INSERT INTO counters (name, value) VALUES ('home', 1) ON CONFLICT (name) " +
  "DO UPDATE SET value = counters.value + 1, updated_at = now() RETURNING value";
export const page = (value) =>
  `<!doctype html><title>Visits</title><h1>${value} visits</h1>`;
