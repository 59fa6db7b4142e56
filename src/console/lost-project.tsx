/** What a URL shows whose project is none, or none that the key of the tab may see: the API tells these two alike. */
import { plainText } from '../plain-text.ts';
import { useConsole } from './console-context.ts';
import { useTitle } from './use-title.ts';

export function LostProject() {
  const { playhead, router, words } = useConsole();
  const name = plainText(router.query.value.get('project') ?? '');
  const title = words.problem.lostProject(name);
  useTitle([title]);
  return (
    <section class="page">
      <h1>{title}</h1>
      <a href={router.href('/', { project: null, at: null })} onClick={() => playhead.goLive()}>
        {words.problem.toOwnProject}
      </a>
    </section>
  );
}
