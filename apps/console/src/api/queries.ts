import {
  assetsViewSchema,
  figuresViewSchema,
  fileTaskFilesViewSchema,
  fileTasksViewSchema,
  holdsViewSchema,
  licenseViewSchema,
  pointsViewSchema,
  sessionViewSchema,
  siteViewSchema,
  trendViewSchema,
} from '@busbar/api-schema';
import { queryOptions } from '@tanstack/react-query';
import { ApiFault, callApi } from './call-api.js';

/** null: nobody is signed in. A link that is away leaves what was known. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => {
    try {
      return await callApi(sessionViewSchema, '/session', { signal });
    } catch (error) {
      if (error instanceof ApiFault && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export const siteQuery = queryOptions({
  queryKey: ['site'],
  queryFn: ({ signal }) => callApi(siteViewSchema, '/site', { signal }),
  refetchInterval: 15_000,
});

export const licenseQuery = queryOptions({
  queryKey: ['license'],
  queryFn: async ({ signal }) => (await callApi(licenseViewSchema, '/license', { signal })).entitlements,
  refetchInterval: 60_000,
});

export const assetsQuery = queryOptions({
  queryKey: ['assets'],
  queryFn: ({ signal }) => callApi(assetsViewSchema, '/assets', { signal }),
  staleTime: 300_000,
});

const pathOf = (asset: string, point: string) => `${encodeURIComponent(asset)}/${encodeURIComponent(point)}`;

/** Samples of the stored past; what comes later is live. */
export const trendQuery = (asset: string, point: string, span: { readonly ms: number; readonly now: () => number }) =>
  queryOptions({
    queryKey: ['trend', asset, point, span.ms],
    queryFn: ({ signal }) => {
      const to = Math.ceil(span.now());
      return callApi(trendViewSchema, `/points/${pathOf(asset, point)}/trend?from=${to - span.ms}&to=${to}`, {
        signal,
      });
    },
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The one point with both its times. */
export const pointQuery = (asset: string, point: string) =>
  queryOptions({
    queryKey: ['point', asset, point],
    queryFn: async ({ signal }) => {
      const query = `asset=${encodeURIComponent(asset)}&q=${encodeURIComponent(point)}`;
      const { points } = await callApi(pointsViewSchema, `/points?${query}`, { signal });
      return points.find((one) => one.path === `${asset}/${point}`) ?? null;
    },
    refetchInterval: 5000,
  });

export const holdsQuery = (path: string) =>
  queryOptions({
    queryKey: ['holds', path],
    queryFn: async ({ signal }) =>
      (await callApi(holdsViewSchema, `/control/holds?point=${encodeURIComponent(path)}`, { signal })).holds,
    refetchInterval: 2000,
    retry: false,
  });

export const fileTasksQuery = queryOptions({
  queryKey: ['files', 'tasks'],
  queryFn: ({ signal }) => callApi(fileTasksViewSchema, '/files/tasks', { signal }),
  refetchInterval: 1_000,
});

/** Progress is told once a second. */
export const taskFilesQuery = (task: string) =>
  queryOptions({
    queryKey: ['files', 'of', task],
    queryFn: ({ signal }) => callApi(fileTaskFilesViewSchema, `/files/tasks/${encodeURIComponent(task)}`, { signal }),
    refetchInterval: 1_000,
  });

/** Every process tells its figures each 10 s. */
export const figuresQuery = queryOptions({
  queryKey: ['figures'],
  queryFn: ({ signal }) => callApi(figuresViewSchema, '/figures', { signal }),
  refetchInterval: 10_000,
  retry: false,
});
