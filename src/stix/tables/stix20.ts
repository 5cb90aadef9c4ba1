/** What is asked of STIX 2.0 objects: the properties that each type requires (a missing one is a warning). */

export const REQUIRED_20: Readonly<Record<string, readonly string[]>> = {
  'attack-pattern': ['name'],
  campaign: ['name'],
  'course-of-action': ['name'],
  'intrusion-set': ['name'],
  vulnerability: ['name'],
  identity: ['name', 'identity_class'],
  indicator: ['labels', 'pattern', 'valid_from'],
  malware: ['name', 'labels'],
  'threat-actor': ['name', 'labels'],
  tool: ['name', 'labels'],
  'observed-data': ['first_observed', 'last_observed', 'number_observed', 'objects'],
  report: ['name', 'labels', 'published', 'object_refs'],
  relationship: ['relationship_type', 'source_ref', 'target_ref'],
  sighting: ['sighting_of_ref'],
  'marking-definition': ['created', 'definition_type', 'definition'],
}
