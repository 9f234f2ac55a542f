import { insistOnCtl } from './insist.js';
import type { Administered } from './fault.js';

export interface Listed {
  readonly id: string;
  readonly peerUrl: string;
}

/** How the others know a member, if it is one; asked of all, or of all but itself. */
export async function listed(
  stage: Administered,
  member: number,
  except?: number,
): Promise<Listed | undefined> {
  const { peer } = stage.cluster.member(member).ports;
  const lines = (await insistOnCtl(stage, ['member', 'list'], except)).split('\n');
  // id, status, name, peer URLs, client URLs, whether it learns; one that was never started has no name.
  const fields = lines.map((line) => line.split(', ')).find(([, , , urls]) => urls?.endsWith(`:${peer}`));
  return fields && { id: fields[0]!, peerUrl: fields[3]! };
}
