import { readFile } from 'node:fs/promises';
import { Controller, Get, Header, type MessageEvent, Sse } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { PageService } from './page.service.js';

/** Beside the sources: the compiler takes no such files along, and a reload of the page shows what was edited. */
const FOLDER = new URL('sample/page/', import.meta.resolve('nestjs-hmetcd/package.json'));

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

const RECONNECT_AFTER_MS = 1000;

@Controller()
export class PageController {
  constructor(private readonly service: PageService) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', POLICY)
  page(): Promise<string> {
    return read('index.html');
  }

  @Get('page.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  style(): Promise<string> {
    return read('page.css');
  }

  @Get('page.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  script(): Promise<string> {
    return read('page.js');
  }

  @Get('icon.svg')
  @Header('Content-Type', 'image/svg+xml')
  icon(): Promise<string> {
    return read('icon.svg');
  }

  @Sse('live')
  live(): Observable<MessageEvent> {
    return this.service.events.pipe(map((event) => ({ ...event, retry: RECONNECT_AFTER_MS })));
  }
}

function read(name: string): Promise<string> {
  return readFile(new URL(name, FOLDER), 'utf8');
}
