import type { LicenseView } from '@busbar/api-schema';
import { Entitlements } from '@busbar/service-kit';
import { Get, Inject } from '@nestjs/common';
import { ApiController } from './api.controller.js';

/** What the license of the site grants, and what is used of it. */
@ApiController('license')
export class LicenseController {
  constructor(@Inject(Entitlements) private readonly entitlements: Entitlements) {}

  @Get()
  license(): LicenseView {
    const { current } = this.entitlements;
    if (!current) return { entitlements: null };
    const { clockResets: _, license, ...rest } = current;
    if (!license) return { entitlements: { ...rest, license } };
    // Whoever has the token can install it elsewhere for this site: it stays here.
    const { token: __, ...shown } = license;
    return { entitlements: { ...rest, license: shown } };
  }
}
