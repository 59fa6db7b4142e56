/** Connections: core → protobuf. */

import type { CloseInitiator as InitiatorEnum } from '../../generated/grpc/kodama/v1/CloseInitiator.ts';
import type { CloseReason as ReasonEnum } from '../../generated/grpc/kodama/v1/CloseReason.ts';
import type { Connection as ConnectionMessage } from '../../generated/grpc/kodama/v1/Connection.ts';
import type { ConnectionState as StateEnum } from '../../generated/grpc/kodama/v1/ConnectionState.ts';
import type { TlsInfo as TlsInfoMessage } from '../../generated/grpc/kodama/v1/TlsInfo.ts';
import {
  type CloseInitiator,
  type CloseReason,
  type Connection,
  type ConnectionState,
  closeInitiators,
  closeReasons,
  connectionStates,
  type TlsInfo,
} from '../core/connection.ts';
import { protocolWords, toAddressMessage } from './listener-messages.ts';
import { enumWords } from './protos.ts';
import { toOptionalTimestamp, toTimestamp } from './times.ts';

export const connectionStateWords = enumWords<StateEnum, ConnectionState>(
  'ConnectionState',
  connectionStates,
);
export const initiatorWords = enumWords<InitiatorEnum, CloseInitiator>(
  'CloseInitiator',
  closeInitiators,
);
export const reasonWords = enumWords<ReasonEnum, CloseReason>('CloseReason', closeReasons);

export function toConnectionMessage(
  connection: Connection,
  listenerName: string | null,
): ConnectionMessage {
  const { raddr, declaredRaddr, closeInitiator, closeReason, tls } = connection;
  return {
    id: connection.id,
    listenerId: connection.listenerId,
    listenerName: listenerName ?? undefined,
    nodeId: connection.nodeId,
    protocol: protocolWords.toEnum(connection.protocol),
    laddr: toAddressMessage(connection.laddr),
    raddr: raddr && toAddressMessage(raddr),
    declaredRaddr: declaredRaddr && toAddressMessage(declaredRaddr),
    pid: connection.pid,
    fd: connection.fd,
    state: connectionStateWords.toEnum(connection.state),
    acceptedAt: toTimestamp(connection.acceptedAt),
    firstByteAt: toOptionalTimestamp(connection.firstByteAt),
    halfClosedAt: toOptionalTimestamp(connection.halfClosedAt),
    closedAt: toOptionalTimestamp(connection.closedAt),
    bytesIn: connection.bytesIn,
    bytesOut: connection.bytesOut,
    closeInitiator: closeInitiator === null ? undefined : initiatorWords.toEnum(closeInitiator),
    closeReason: closeReason === null ? undefined : reasonWords.toEnum(closeReason),
    error: connection.error ?? undefined,
    tls: tls && toTlsInfoMessage(tls),
  };
}

function toTlsInfoMessage(tls: TlsInfo): TlsInfoMessage {
  return {
    version: tls.version,
    cipher: tls.cipher,
    sni: tls.sni ?? undefined,
    alpn: tls.alpn ?? undefined,
    clientFingerprint256: tls.clientFingerprint256 ?? undefined,
    clientAuthorized: tls.clientAuthorized,
  };
}
