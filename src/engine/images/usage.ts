/** What the images take on the disk. Layers that several of them have are there once. Pure. */
import type { Json } from '../../model/json.ts';
import { type ImageView, listItem, sizeOf } from './views.ts';

export interface ImagesUsage {
  /** Bytes of all layers. */
  layersSize: number;
  /** As in the list, with SharedSize: bytes of the layers that other images have, too. */
  images: Json[];
}

export function usageOf(views: readonly ImageView[]): ImagesUsage {
  const layers = new Map<string, { size: number; images: number }>();
  for (const layer of views.flatMap((view) => view.layers)) {
    const known = layers.get(layer.id);
    if (known === undefined) layers.set(layer.id, { size: layer['diff-size'] ?? 0, images: 1 });
    else known.images += 1;
  }
  const sharedOf = (view: ImageView): number =>
    view.layers.reduce((sum, { id }) => {
      const { size = 0, images = 0 } = layers.get(id) ?? {};
      return images > 1 ? sum + size : sum;
    }, 0);
  return {
    layersSize: [...layers.values()].reduce((sum, { size }) => sum + size, 0),
    images: views.map((view) => ({ ...listItem(view), Size: sizeOf(view), SharedSize: sharedOf(view) })),
  };
}
