import { describe, expect, it } from '@jest/globals';
import type { Member } from '../../../lib/store/etcd/member.js';
import { TokenSource } from '../../../lib/store/etcd/token.js';

const CREDENTIALS = { username: 'u', password: 'p' };

/** Answers each request with the next of these. */
class FakeMember {
  readonly requests: unknown[] = [];
  readonly #answers: readonly (string | Error)[];

  constructor(answers: readonly (string | Error)[]) {
    this.#answers = answers;
  }

  get asMember(): Member {
    return this as unknown as Member;
  }

  async call(_service: string, _method: string, payload: unknown): Promise<{ token: string }> {
    const answer = this.#answers[this.requests.length]!;
    this.requests.push(payload);
    await Promise.resolve();
    if (answer instanceof Error) throw answer;
    return { token: answer };
  }
}

describe('TokenSource', () => {
  it('takes none that no header can carry, and does not quote it', async () => {
    const member = new FakeMember(['se\ncret', '', 'good']);
    const tokens = new TokenSource(CREDENTIALS);
    await expect(tokens.token(member.asMember, 100)).rejects.toThrow(/^the token is none that etcd gives$/);
    await expect(tokens.token(member.asMember, 100)).rejects.toThrow(/none that etcd gives/);
    expect(await tokens.token(member.asMember, 100)).toBe('good');
  });

  it('asks for none where no user was given', async () => {
    const member = new FakeMember([]);
    expect(await new TokenSource(undefined).token(member.asMember, 100)).toBeUndefined();
    expect(member.requests).toEqual([]);
  });

  it('asks once for all who wait, and keeps the answer', async () => {
    const member = new FakeMember(['one']);
    const tokens = new TokenSource(CREDENTIALS);
    const both = [tokens.token(member.asMember, 100), tokens.token(member.asMember, 100)];
    expect(await Promise.all(both)).toEqual(['one', 'one']);
    expect(await tokens.token(member.asMember, 100)).toBe('one');
    expect(member.requests).toEqual([{ name: 'u', password: 'p' }]);
  });

  it('keeps nobody waiting for longer than there is time, and goes on asking for the others', async () => {
    let answer: (told: { token: string }) => void;
    const answered = new Promise<{ token: string }>((resolve) => (answer = resolve));
    const member = { call: () => answered } as unknown as Member;
    const tokens = new TokenSource(CREDENTIALS);
    const patient = tokens.token(member, 60_000);
    await expect(tokens.token(member, 10)).rejects.toThrow('no answer within 10 ms');
    answer!({ token: 'one' });
    expect(await patient).toBe('one');
  });

  it('asks again after a failure', async () => {
    const member = new FakeMember([new Error('down'), 'one']);
    const tokens = new TokenSource(CREDENTIALS);
    await expect(tokens.token(member.asMember, 100)).rejects.toThrow('down');
    expect(await tokens.token(member.asMember, 100)).toBe('one');
  });

  it('asks again once the token was refused, but keeps a newer one', async () => {
    const member = new FakeMember(['one', 'two', 'three']);
    const tokens = new TokenSource(CREDENTIALS);
    await tokens.token(member.asMember, 100);
    tokens.refused('one');
    expect(await tokens.token(member.asMember, 100)).toBe('two');
    tokens.refused('one');
    expect(await tokens.token(member.asMember, 100)).toBe('two');
  });
});
