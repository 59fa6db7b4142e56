/** Files that wait for minutes begin before all others of a run, which then end beside them and not before. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** From the project's root. */
export const longest: readonly string[] = [
  'test/process/fleet-namespaces.long.test.ts',
  'test/cli/idle.long.test.ts',
  'test/process/fleet-clocks.long.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const first = longest.flatMap((path) =>
      others.filter(({ moduleId }) => moduleId.endsWith(`/${path}`)),
    );
    return [...first, ...others.filter((file) => !first.includes(file))];
  }
}
