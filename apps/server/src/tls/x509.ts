// The container of the library's parts asks for it when it is loaded, so it must come first.
import "reflect-metadata";

export * from "@peculiar/x509";
