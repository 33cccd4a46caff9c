/** Bodies of the network endpoints. Fields that the client left out stay out, for the network's own defaults. */
import type { EndpointSettings } from '../../model/container.ts';
import type { IpamConfig, NetworkCreateRequest } from '../../network/port.ts';
import { endpointSettings } from './container.ts';
import { bool, list, nullable, object, optional, record, string } from './kit.ts';

export const networkCreate = object<NetworkCreateRequest>('network.CreateRequest', {
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
    object<NonNullable<NetworkCreateRequest['IPAM']>>('network.IPAM', {
      Driver: string,
      Config: list(
        object<IpamConfig>('network.IPAMConfig', {
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
