/** What is run. It loads next to nothing before it knows what an earlier start has compiled. */
import { useCompiled } from './node/compiled.ts';

await useCompiled(process.env.KODAMA_DATA_DIR);
const { runServer } = await import('./server.ts');
await runServer(process.env);
