/** Bodies of the network endpoints. Fields that the client left out stay out, for the network's own defaults. */
import type { EndpointSettings } from '../../model/container.ts';
import { endpointSettings } from './container.ts';
import { bool, list, nullable, object, optional, record, string } from './kit.ts';

export interface PoolBody {
  Subnet: string;
  IPRange: string;
  Gateway: string;
  AuxiliaryAddresses: Record<string, string>;
}

export interface NetworkCreateBody {
  Name: string;
  Driver: string;
  Scope: string;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigOnly: boolean;
  ConfigFrom: { Network: string } | null;
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  IPAM: { Driver: string; Config: PoolBody[]; Options: Record<string, string> } | null;
  Options: Record<string, string>;
  Labels: Record<string, string>;
}

export const networkCreate = object<NetworkCreateBody>('network.CreateRequest', {
  Name: string,
  Driver: string,
  Scope: string,
  Internal: bool,
  Attachable: bool,
  Ingress: bool,
  ConfigOnly: bool,
  ConfigFrom: nullable(object<{ Network: string }>('network.ConfigReference', { Network: string })),
  EnableIPv4: optional(bool),
  EnableIPv6: optional(bool),
  IPAM: nullable(
    object<NonNullable<NetworkCreateBody['IPAM']>>('network.IPAM', {
      Driver: string,
      Config: list(
        object<PoolBody>('network.IPAMConfig', {
          Subnet: string,
          IPRange: string,
          Gateway: string,
          AuxiliaryAddresses: record(string),
        }),
        '[]network.IPAMConfig',
      ),
      Options: record(string),
    }),
  ),
  Options: record(string),
  Labels: record(string),
});

export const networkConnect = object<{ Container: string; EndpointConfig: EndpointSettings }>(
  'network.ConnectOptions',
  { Container: string, EndpointConfig: endpointSettings },
);

export const networkDisconnect = object<{ Container: string; Force: boolean }>('network.DisconnectOptions', {
  Container: string,
  Force: bool,
});
