import { fillPlaceholders, type SinkAsset } from '@busbar/sink-sdk';

/** A device as EnOS knows it: the gateway itself or a sub-device. */
export interface EnosDevice {
  readonly asset: SinkAsset;
  readonly productKey: string;
  readonly deviceKey: string;
  /** Reference. */
  readonly deviceSecret: string;
}

export function deviceOf(asset: SinkAsset, names: { readonly site: string; readonly sink: string }): EnosDevice {
  const fill = (field: string) =>
    fillPlaceholders(asset.identity[field] ?? '', { ...names, asset: asset.asset, model: asset.model });
  return {
    asset,
    productKey: fill('productKey'),
    deviceKey: fill('deviceKey'),
    deviceSecret: fill('deviceSecret'),
  };
}

export function deviceName(device: { readonly productKey: string; readonly deviceKey: string }): string {
  return `${device.productKey}/${device.deviceKey}`;
}
