/** Names that people can say to each other, such as calm-otter. */

const qualities =
  'brave bright brisk calm clear clever crisp eager early fair fleet fond free fresh glad grand happy keen kind late light merry mild neat proud quick quiet rapid sharp shy still swift warm wise young';
const animals =
  'ant badger bat bear bee crane crow deer dove duck eagle falcon finch fox frog goose hare hawk heron ibex kite lark lynx mole moth newt otter owl panda quail raven robin seal shrew stoat swan tapir tern toad trout vole whale wolf wren yak';

export function randomName(random: () => number = Math.random): string {
  return `${drawn(qualities, random)}-${drawn(animals, random)}`;
}

function drawn(words: string, random: () => number): string {
  const list = words.split(' ');
  return list[Math.floor(random() * list.length)] ?? '';
}
