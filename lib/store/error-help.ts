/** The README there is that of the latest release; a code has a heading of its own in it, and so an anchor. */
const LIST = 'https://www.npmjs.com/package/nestjs-hmetcd#';

/** The last sentence of an error's message: where cause and cure are described. */
export function helpOn(code: string): string {
  return ` See ${LIST}${code.toLowerCase()}`;
}

/** What an error says, for a sentence that goes on: the address would stand in its middle. */
export function withoutHelp(message: string): string {
  return message.replaceAll(/ See https:\/\/www\.npmjs\.com\/package\/nestjs-hmetcd#\w+/g, '');
}
