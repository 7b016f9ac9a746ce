import type { SegmentVariants } from './path-interpretations.ts'

/** folded like the paths that are compared with these */
const [API, BROWSER_API, PREVIEW] = ['API', 'AJAX-API', 'PREVIEW']
const NONE: readonly (readonly SegmentVariants[])[] = []

/**
 * The workspace serves an API under several names: `/ajax-api/…` is `/api/…` for its pages, and
 * `/api/<version>/preview/…` is `/api/<version>/…`.
 *
 * @param path folded
 * @returns the folded paths that this path mirrors; empty for nearly every path
 */
export function originalsOf(
  path: readonly SegmentVariants[],
): readonly (readonly SegmentVariants[])[] {
  const [api, version, preview, ...rest] = path
  if (api === undefined || version === undefined) return NONE
  const isBrowserApi = api.includes(BROWSER_API)
  const isPreview = preview?.includes(PREVIEW) === true && (isBrowserApi || api.includes(API))
  if (!isBrowserApi && !isPreview) return NONE
  const original: SegmentVariants = isBrowserApi ? [...api, API] : api
  const withPreview = [original, ...path.slice(1)]
  return isPreview ? [withPreview, [original, version, ...rest]] : [withPreview]
}
