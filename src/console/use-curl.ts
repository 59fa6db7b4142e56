/** A call of this page as a line for a shell. */
import { useConsole } from './console-context.ts';
import { curlLine } from './curl-line.ts';

export function useCurl(): (method: string, path: string, body?: unknown) => string {
  const { api, router } = useConsole();
  const isKeyed = api.key.value !== null;
  const project = router.query.value.get('project');
  return (method, path, body) =>
    curlLine({ method, url: location.origin + path, isKeyed, project, body });
}
