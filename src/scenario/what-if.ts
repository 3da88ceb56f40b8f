/**
 * Editing a scenario: the only place that changes one, through immer recipes. What a recipe does not touch keeps its identity, so that plans memoised on it stay valid;
 * rule lists and set members are classes, which immer neither drafts nor freezes: a recipe puts a new one in their place.
 */
import { type Draft, produce } from 'immer';
import type { NodeState, Scenario } from './model.js';

/** A recipe for the whole scenario. It returns nothing; it changes its argument. */
export type ScenarioRecipe = (s: Draft<Scenario>) => void;
/** A recipe for one node. */
export type NodeRecipe = (n: Draft<NodeState>) => void;

/** The scenario with the recipe applied; the same object where the recipe changed nothing. */
export function editScenario(s: Scenario, recipe: ScenarioRecipe): Scenario {
  return produce(s, (d) => {
    recipe(d);
  });
}

/** The scenario with a recipe applied to one of its nodes; null where there is no such node. */
export function editNodeOf(s: Scenario, name: string, recipe: NodeRecipe): Scenario | null {
  const at = s.nodes.findIndex((n) => n.name === name);
  if (at < 0) return null;
  return editScenario(s, (d) => {
    recipe(d.nodes[at]);
  });
}

/** The scenario with one node replaced as a whole (a tool that computes the new state itself). */
export function withNode(s: Scenario, node: NodeState): Scenario {
  const at = s.nodes.findIndex((n) => n.name === node.name);
  if (at < 0 || s.nodes[at] === node) return s;
  return { ...s, nodes: s.nodes.map((n, i) => (i === at ? node : n)) };
}
