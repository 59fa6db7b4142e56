import { expect, test } from 'vitest';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { keepingLogger, rejection } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { Projects } from './projects.ts';
import { noTerms } from './quotas.ts';

async function makeProjects() {
  const store = new MemoryStore();
  const projects = new Projects(store.projects, keepingLogger());
  const told: (readonly [project: number, openConnections: number | null])[] = [];
  await projects.start((project, { quotas }) => told.push([project, quotas.openConnections]));
  return { store, projects, told, [Symbol.asyncDispose]: () => projects[Symbol.asyncDispose]() };
}

test('what a project may have is known once it is asked for, and each change is told', async () => {
  await using world = await makeProjects();
  const { store, projects, told } = world;
  const ref = store.database.addProject('a');
  store.database.limit(ref, { openConnections: 3 });
  expect(projects.termsOf(ref)).toBe(noTerms);
  expect(await projects.of({ project: 'a' })).toBe(ref);
  expect(projects.termsFor({ project: 'a' }).quotas.openConnections).toBe(3);
  store.database.limit(ref, { openConnections: 4 });
  projects.forget();
  await waitFor('the change', () => told.length === 2);
  projects.forget();
  store.database.names.delete('a');
  projects.forget();
  await waitFor('its end', () => told.length === 3);
  expect(told).toEqual([
    [ref, 3],
    [ref, 4],
    [ref, null],
  ]);
});

test('while the store is away it is as it was', async () => {
  await using world = await makeProjects();
  const { store, projects } = world;
  const ref = store.database.addProject('a');
  store.database.limit(ref, { listeners: 3 });
  await projects.of({ project: 'a' });
  store.isAway = true;
  projects.forget();
  expect(await rejection(projects.of({ project: 'a' }))).toMatchObject({ code: 'unavailable' });
  expect(projects.termsOf(ref).quotas.listeners).toBe(3);
});

test('each project that somebody asks for is told, each time, and none that is not there', async () => {
  const store = new MemoryStore();
  const ref = store.database.addProject('a');
  const asked: number[] = [];
  await using projects = new Projects(store.projects, keepingLogger(), (one) => asked.push(one));
  const own = await projects.of({ project: 'default' });
  for (const _ of [1, 2]) await projects.of({ project: 'a' });
  expect(await rejection(projects.of({ project: 'b' }))).toMatchObject({ code: 'not_found' });
  expect(asked).toEqual([own, ref, ref]);
});
