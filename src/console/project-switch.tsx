/** The project whose things are shown; an operator chooses among all of them. */
import { useConsole } from './console-context.ts';

export function ProjectSwitch() {
  const { caller, playhead, router, words } = useConsole();
  const own = caller.own.value;
  const asked = router.query.value.get('project');
  const name = own?.name ?? asked;
  if (name === null) return null;
  const names = caller.projects.value.map((project) => project.name);
  if (names.length < 2) return <>{name}</>;
  return (
    <select
      aria-label={words.header.project}
      value={name}
      onChange={({ currentTarget: { value } }) => {
        // What is selected here is not there in another project, nor is the seq.
        playhead.goLive();
        router.go(router.href('/', { project: value, at: null }));
      }}
    >
      {[...new Set([...names, name])].map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}
