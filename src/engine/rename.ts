/** `POST /containers/{id}/rename`. */
import { invalidParameter, notFound } from '../errors.ts';
import { type Context, publish, save } from './context.ts';
import { checkName } from './names.ts';
import type { Container } from './registry.ts';

export async function renameContainer(context: Context, container: Container, name: string): Promise<void> {
  const { registry, sandboxes } = context;
  checkName(name);
  await container.lock.run(async () => {
    const { id, record } = container;
    const old = record.name;
    // Removed while this one waited.
    if (registry.get(id) !== container) throw notFound(`No such container: ${id}`);
    if (old === name) throw invalidParameter('Renaming a container with the same name as its current name');
    registry.reserve(name, id);
    try {
      await sandboxes.rename(id, name);
    } catch (error) {
      registry.release(name, id);
      throw error;
    }
    registry.release(old, id);
    record.name = name;
    save(context, container);
    publish(context, container, 'rename', { oldName: `/${old}` });
  });
}
