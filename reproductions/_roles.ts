import type { Bench, ModelRole, ZooModel } from "../lib/experiment/mod.ts";

/** A model and what it stands for. */
interface RoleModel<Role extends ModelRole> {
  readonly role: Role;
  readonly zoo: ZooModel;
}

/** The models of the wanted roles that there are, in their order; not applicable where there is none. */
export async function openEach<const Role extends ModelRole>(
  { roles, open }: Pick<Bench, "roles" | "open">,
  wanted: readonly [Role, ...Role[]],
): Promise<readonly RoleModel<Role>[]> {
  const there = wanted.filter((role) => roles.includes(role)), models: RoleModel<Role>[] = [];
  for (const role of there.length === 0 ? [wanted[0]] : there) models.push({ role, zoo: await open(role) });
  return models;
}
