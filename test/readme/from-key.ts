import { Injectable } from '@nestjs/common';
import { FromKey, type LiveValue } from 'nestjs-hmetcd';
import { z } from 'zod';

const Limits = z.object({ rowsPerReport: z.number().int().positive() });
type Limits = z.infer<typeof Limits>;

@Injectable()
export class Limiter {
  constructor(
    @FromKey('config/limits', { parse: Limits, default: { rowsPerReport: 100 } })
    private readonly limits: LiveValue<Limits>,
  ) {
    limits.onChange((now, before) => console.log(`${before.rowsPerReport} -> ${now.rowsPerReport}`));
  }

  get rowsPerReport(): number {
    return this.limits.value.rowsPerReport; // always the latest good one
  }
}
