/**
 * The shortest path that means the same, as Go's `filepath.Clean`: no empty parts, no `.`, no `..` that a part before it takes back, no slash at the end. An empty path is `.`.
 * Pure text: links are not looked at.
 */
export function cleanPath(path: string): string {
  const isRooted = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!isRooted) kept.push(part);
  }
  if (isRooted) return `/${kept.join("/")}`;
  return kept.length === 0 ? "." : kept.join("/");
}
