import { controlAskSchema, type HoldView, type RequestView } from '@busbar/api-schema';
import { BusbarError } from '@busbar/errors';
import { controlAnswer, PENDING_ANSWER } from '@busbar/events';
import { Body, Get, Param, Post, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from './access.js';
import { ApiController, CallerOf } from './api.controller.js';
import { checked } from './api-error.js';
import { ControlDesk, OPERATOR } from './control-desk.js';
import { LiveService } from './live.service.js';
import { RequestViews } from './request-views.js';

const waitSchema = z.object({ wait: z.coerce.number().min(0).max(300_000).default(30_000) });

interface Reply {
  code(status: number): unknown;
}

/** Asking for a value to be written, and what became of it. */
@ApiController('control')
export class ControlController {
  constructor(
    private readonly desk: ControlDesk,
    private readonly views: RequestViews,
    private readonly live: LiveService,
  ) {}

  @Post('requests')
  async ask(
    @Body() body: unknown,
    @Query() query: unknown,
    @CallerOf() caller: Caller,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<RequestView> {
    const ask = checked(controlAskSchema, body, 'CONTROL_REQUEST_INVALID');
    const { wait } = checked(waitSchema, query, 'CONTROL_REQUEST_INVALID');
    const view = await this.desk.ask(ask, caller, wait);
    reply.code((view.end ? controlAnswer(view.end) : PENDING_ANSWER).http);
    return view;
  }

  @Get('requests')
  list(): { requests: RequestView[] } {
    return { requests: this.views.list() };
  }

  @Get('requests/:id')
  show(@Param('id') id: string): RequestView {
    const found = this.views.find(OPERATOR, id);
    if (!found) throw new BusbarError('CONTROL_UNKNOWN_REQUEST', { id });
    return found.view;
  }

  @Get('holds')
  holds(@Query('point') point: string | undefined): { holds: HoldView[] } {
    return { holds: this.live.holds(point) };
  }
}
