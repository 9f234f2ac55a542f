import { Matches } from 'class-validator';

/** cabinet, chassis, slot, board and node, the way HPE numbers its machines */
const NODE_NAME = /^x\d{1,4}c[0-7]s\d{1,2}b\d{1,2}n\d{1,2}$/;

export class NodeParams {
  @Matches(NODE_NAME, { message: 'node must be a name such as x0c0s1b0n0' })
  readonly node!: string;
}
