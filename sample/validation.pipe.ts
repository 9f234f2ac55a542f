import { ValidationPipe } from '@nestjs/common';

/** One set of rules for what arrives by HTTP and for what others put into the store. */
export const validation = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
});
