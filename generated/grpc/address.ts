import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Address as _kodama_v1_Address, Address__Output as _kodama_v1_Address__Output } from './kodama/v1/Address.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  kodama: {
    v1: {
      Address: MessageTypeDefinition<_kodama_v1_Address, _kodama_v1_Address__Output>
    }
  }
}

