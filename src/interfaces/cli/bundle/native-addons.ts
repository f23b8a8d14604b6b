import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import { isMillraceSpecifier } from './installation.ts';

/** Marks resolutions that this plugin asks for itself. */
const OWN = 'millrace-native-addons';

/** Packages that load or build a native addon for the package that depends on them. */
const LOADERS = [
  'bindings',
  'nan',
  'node-addon-api',
  'node-gyp-build',
  'node-gyp-build-optional-packages',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
  'pkg-prebuilds',
  'prebuild-install',
  'require-addon',
];

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly gypfile?: boolean;
  readonly napi?: unknown;
  readonly binary?: unknown;
}

interface Package {
  readonly folder: string;
  readonly name: string;
  readonly manifest: Manifest;
  readonly isNative: boolean;
}

/**
 * Refuses packages with a native addon: machine code does not travel in a bundle. One that its importer declares
 * optional is taken as not installed instead, so that the importer does without it, as it is made to.
 */
export const nativeAddons = (externals: readonly string[]): Plugin => ({
  name: OWN,
  setup: (build) => {
    const packages = new PackageReader();
    build.onResolve({ filter: /\.node$/ }, (args) => {
      const owner = packages.of(args.resolveDir);
      const name = owner === undefined ? args.path : owner.name;
      return isLeftOut(args.path, externals) ? undefined : refusal(name, owner !== undefined);
    });
    build.onResolve({ filter: /^[^./]/ }, (args) => resolvePackage(build, args, externals, packages));
    build.onLoad({ filter: /.*/, namespace: OWN }, ({ path }) => ({
      contents: `throw Object.assign(new Error(${JSON.stringify(`Cannot find module '${path}'`)}), { code: 'MODULE_NOT_FOUND' });`,
      loader: 'js',
    }));
  },
});

const resolvePackage = async (
  build: PluginBuild,
  args: OnResolveArgs,
  externals: readonly string[],
  packages: PackageReader,
): Promise<OnResolveResult | undefined> => {
  const { path, kind, importer, resolveDir, with: attributes } = args;
  const isOther = kind === 'entry-point' || isBuiltin(path) || isMillraceSpecifier(path) || isLeftOut(path, externals);
  if (isOther || args.pluginData === OWN) {
    return undefined;
  }
  const resolved = await build.resolve(path, { kind, importer, resolveDir, with: attributes, pluginData: OWN });
  if (resolved.errors.length > 0 || resolved.external || resolved.namespace !== 'file') {
    return undefined;
  }
  const target = packages.of(dirname(resolved.path));
  if (target === undefined || !(target.isNative || resolved.path.endsWith('.node'))) {
    return undefined;
  }
  const from = packages.of(resolveDir);
  return from !== undefined && !from.isNative && isOptional(from.manifest, target.name)
    ? { path: target.name, namespace: OWN }
    : refusal(target.name, true);
};

const isLeftOut = (path: string, externals: readonly string[]): boolean =>
  externals.some((name) => path === name || path.startsWith(`${name}/`));

const isOptional = ({ optionalDependencies, peerDependenciesMeta }: Manifest, name: string): boolean =>
  optionalDependencies?.[name] !== undefined || peerDependenciesMeta?.[name]?.optional === true;

const refusal = (name: string, isPackage: boolean): OnResolveResult => ({
  errors: [
    {
      text: isPackage
        ? `the package "${name}" has a native addon, which cannot travel with the job: run with --external ${name} ` +
          `and install it on every TaskManager (npm install ${name})`
        : `"${name}" is a native addon, which cannot travel with the job: make a package of it, install that on every ` +
          'TaskManager, and run with --external and its name',
    },
  ],
});

/** Reads the `package.json` of packages below `node_modules`, each once. */
class PackageReader {
  readonly #byFolder = new Map<string, Package | undefined>();

  /** The package that a folder belongs to; `undefined` for the user's own project. */
  of(folder: string): Package | undefined {
    if (!/[\\/]node_modules[\\/]/.test(folder)) {
      return undefined;
    }
    if (!this.#byFolder.has(folder)) {
      this.#byFolder.set(folder, readPackage(folder) ?? this.of(dirname(folder)));
    }
    return this.#byFolder.get(folder);
  }
}

const readPackage = (folder: string): Package | undefined => {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) {
    return undefined;
  }
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  // A nested `package.json` without a name only says which module system its folder uses.
  return manifest.name === undefined
    ? undefined
    : { folder, name: manifest.name, manifest, isNative: isNative(folder, manifest) };
};

const isNative = (folder: string, manifest: Manifest): boolean =>
  manifest.gypfile === true ||
  typeof manifest.napi === 'object' ||
  typeof manifest.binary === 'object' ||
  LOADERS.some((loader) => manifest.dependencies?.[loader] !== undefined) ||
  existsSync(join(folder, 'binding.gyp')) ||
  existsSync(join(folder, 'prebuilds'));
