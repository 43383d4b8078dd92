/** A string that says of what kind its id is; a plain string literal is accepted, an id of another kind is not. */
type Id<Kind extends string> = string & { readonly __id?: Kind };

export type ConnectionId = Id<'connection'>;
export type DeviceId = Id<'device'>;
export type TagId = Id<'tag'>;
/** SHA-256 in hex over the canonical JSON of a point table: its identity on the bus. */
export type TableDigest = Id<'table'>;
export type ModelId = Id<'model'>;
export type AssetId = Id<'asset'>;
export type PointId = Id<'point'>;
export type TemplateId = Id<'template'>;
export type SinkId = Id<'sink'>;
export type PolicyId = Id<'policy'>;
/** `asset/point`: one point of one asset, for example `inv-01/INV.PowerLimit`. */
export type PointPath = Id<'point-path'>;

/** Joins asset and point to the path that people, logs and control requests use. */
export function pointPath(asset: AssetId, point: PointId): PointPath {
  return `${asset}/${point}`;
}

/** Splits `asset/point`; undefined if it is not of that form (ids hold no slash). */
export function splitPointPath(path: PointPath): { readonly asset: AssetId; readonly point: PointId } | undefined {
  const slash = path.indexOf('/');
  if (slash <= 0 || slash === path.length - 1 || path.includes('/', slash + 1)) return undefined;
  return { asset: path.slice(0, slash), point: path.slice(slash + 1) };
}
