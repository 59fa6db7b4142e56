/**
 * Server reflection over the descriptors that buf makes of the protos: files under their own names, with their
 * imports and comments. Those that proto-loader makes name no imports, and strict clients refuse them.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import type { Server, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import protobuf from 'protobufjs';
import type { Api } from '../api/call.ts';
import type { FailureLog } from '../api/failure-log.ts';
import { AppError } from '../core/errors.ts';
import { callerGone } from '../core/while-there.ts';
import { callerOf } from './calls.ts';
import type { GrpcLimits } from './grpc-limits.ts';
import { toStatus } from './status.ts';

const descriptorSet = join(import.meta.dirname, '../../generated/grpc/descriptors.binpb');

/** Of the reflection protocol, which is v1 and v1alpha. */
interface Version {
  readonly definition: ServiceDefinition;
  readonly answer: Answer;
}

/** They know no file. */
const empty = versions({});

export interface ReflectionOptions {
  readonly api: Pick<Api, 'turn'>;
  readonly failures: Pick<FailureLog, 'tell'>;
  readonly limits: Pick<GrpcLimits, 'reflectionStreamsMax' | 'reflectionQuestionBytesMax'>;
}

/** Its index of the files takes a tenth of a second, and most servers are never asked: it is made for the first call. */
export function addReflection(server: Server, options: ReflectionOptions): void {
  const { limits } = options;
  let indexed: readonly Version[] | undefined;
  const streams = new OpenStreams(limits.reflectionStreamsMax);
  const { reflectionQuestionBytesMax: bytesMax } = limits;
  for (const [index, { definition }] of empty.entries()) {
    const answer = (stream: Stream) => {
      indexed ??= versions({ kodama: ownPackage() });
      indexed[index]?.answer(paced(stream, streams, options));
    };
    server.addService(bounded(definition, bytesMax), { ServerReflectionInfo: answer });
  }
}

/** The service reads nothing of a definition but its files. */
function ownPackage() {
  const format = 'Protocol Buffer 3 EnumDescriptorProto' as const;
  return { format, type: {}, fileDescriptorProtos: files(readFileSync(descriptorSet)) };
}

function versions(root: PackageDefinition): readonly Version[] {
  const found: Version[] = [];
  new ReflectionService(root).addToServer({
    addService(definition: ServiceDefinition, { ServerReflectionInfo: answer }) {
      found.push({ definition, answer: answer as Answer });
    },
  });
  return found;
}

/** Stands for a question that is too long. */
const tooLong = {};

/** Some twenty questions are read ahead of the one that has its turn: so long ones are let go as soon as they come. */
function bounded(definition: ServiceDefinition, bytesMax: number): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer) =>
      bytes.length > bytesMax ? tooLong : method.requestDeserialize(bytes);
    return [name, { ...method, requestDeserialize }] as const;
  });
  return Object.fromEntries(methods);
}

type Stream = ServerDuplexStream<object, object>;
/** What the service does with a stream. */
type Asked = Pick<Readable, 'on'> & Pick<Stream, 'write' | 'end'>;
type Answer = (stream: Asked) => void;

/**
 * The service answers whatever comes, and an answer is thousands of times its question: each waits until the answers before
 * it are taken, counts as a call of its project, and has its turn.
 */
function paced(stream: Stream, streams: OpenStreams, options: ReflectionOptions): Asked {
  const { api, failures, limits } = options;
  const gone = new AbortController();
  stream.once('cancelled', () => gone.abort(callerGone()));
  const requestId = randomUUID();
  const caller = callerOf(stream, requestId, gone.signal);
  let hasFailed = false;
  // What fails behind the first failure is of its making.
  const fail = (error: unknown) => {
    if (hasFailed) return;
    hasFailed = true;
    const isLeft = gone.signal.aborted;
    failures.tell(error, { requestId, route: stream.getPath(), isLeft });
    if (!isLeft) stream.emit('error', toStatus(error, requestId));
  };
  const asked = streams.begin(gone.signal, fail);
  const turn = async (question: object) => {
    asked();
    if (question === tooLong) throw questionTooLong(limits.reflectionQuestionBytesMax);
    if (stream.writableNeedDrain) await once(stream, 'drain', { signal: gone.signal });
    await api.turn({ ...caller, operation: 'reflection' });
  };
  const questions = new Transform({
    ...{ objectMode: true, highWaterMark: 1 },
    transform: (question, _, done) => void turn(question).then(() => done(null, question), done),
  });
  stream.pipe(questions).on('error', fail);
  return {
    on: questions.on.bind(questions),
    write: stream.write.bind(stream),
    end: stream.end.bind(stream),
  };
}

/** In the order in which they were asked something last. */
class OpenStreams {
  readonly #max: number;
  readonly #ends = new Set<(error: AppError) => void>();

  constructor(max: number) {
    this.#max = max;
  }

  /** To be told of each question, until the signal. */
  begin(signal: AbortSignal, end: (error: AppError) => void): () => void {
    const [oldest] = this.#ends;
    if (oldest !== undefined && this.#ends.size >= this.#max) {
      // Its signal comes once its client has taken the end, if ever: till then it is none that has a place.
      this.#ends.delete(oldest);
      oldest(madeRoom(this.#max));
    }
    this.#ends.add(end);
    signal.addEventListener('abort', () => this.#ends.delete(end));
    return () => {
      if (this.#ends.delete(end)) this.#ends.add(end);
    };
  }
}

function madeRoom(limitValue: number): AppError {
  const message = `there are ${limitValue} streams of reflection, and this one has asked nothing for longest`;
  return new AppError('resource_exhausted', message, { limit: 'reflectionStreamsMax', limitValue });
}

function questionTooLong(limitValue: number): AppError {
  const message = `a question to reflection has at most ${limitValue} bytes`;
  const limit = 'reflectionQuestionBytesMax';
  return new AppError('resource_exhausted', message, { limit, limitValue });
}

/** The files of a FileDescriptorSet: field 1, repeated. */
function files(set: Buffer): Buffer[] {
  const reader = protobuf.Reader.create(set);
  const found: Buffer[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag !== 0x0a) throw new TypeError('not a FileDescriptorSet');
    found.push(Buffer.from(reader.bytes()));
  }
  return found;
}
