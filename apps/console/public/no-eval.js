// The page's policy forbids code made at run time. zod asks for that when a schema is made, so this comes before any.
globalThis.__zod_globalConfig = { jitless: true };
