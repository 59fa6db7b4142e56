import { defineConfig } from 'prisma/config';

// `prisma generate` wants a schema engine to exist but never runs it. Naming a program that is there
// keeps the command offline: without this, it would download the engine.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(process.env.DATABASE_URL === undefined
    ? {}
    : { datasource: { url: process.env.DATABASE_URL } }),
});
